// What is inferred from a schema.
import { expectTypeOf, test } from "vitest";
import {
  addWinsMap,
  addWinsSet,
  Document,
  list,
  lwwRegister,
  pnCounter,
  text,
  tree,
} from "../../src/index.ts";

const schema = {
  title: text(),
  tags: addWinsSet<"a" | "b">(),
  stars: pnCounter(),
  notes: list<string>(),
  owner: lwwRegister<number>(),
  outline: tree(),
  meta: addWinsMap(),
};

test("names, verbs and elements follow from the schema", () => {
  const document = new Document("a", schema);
  document.change((d) => {
    expectTypeOf(d).toHaveProperty("title");
    expectTypeOf(d).not.toHaveProperty("other");
    expectTypeOf(d.title.insert).parameters.toEqualTypeOf<[position: number, text: string]>();
    expectTypeOf(d.tags.add).parameter(0).toEqualTypeOf<"a" | "b">();
    expectTypeOf(d.notes.insert).toBeCallableWith(0, "x");
    expectTypeOf(d.owner.set).parameter(0).toEqualTypeOf<number>();
    expectTypeOf(d.stars).not.toHaveProperty("join");
    expectTypeOf(d.title).not.toHaveProperty("merge");
    expectTypeOf(d.meta).toHaveProperty("register");
  });
});

test("outside of a change there is only what reads", () => {
  const { view } = new Document("a", schema);
  expectTypeOf(view.title).not.toHaveProperty("insert");
  expectTypeOf(view.notes.get(0)).toEqualTypeOf<string | undefined>();
  expectTypeOf(view.tags).not.toHaveProperty("add");
  expectTypeOf(view.tags).toHaveProperty("has");
  expectTypeOf(view.owner).not.toHaveProperty("set");
  expectTypeOf(view.owner.value).toEqualTypeOf<number | undefined>();
  expectTypeOf(view.stars.value).toBeNumber();
  expectTypeOf(view.meta).not.toHaveProperty("counter");
  expectTypeOf(view.meta).not.toHaveProperty("delete");
  expectTypeOf(view.outline).not.toHaveProperty("move");
});

test("what has no history has no past", () => {
  const past = new Document("a", schema).at(new Map());
  expectTypeOf<keyof typeof past>().toEqualTypeOf<"title" | "notes" | "outline">();
  expectTypeOf(past.notes.toArray()).toEqualTypeOf<string[]>();
  expectTypeOf(past.title).not.toHaveProperty("insert");
});
