// What single connections must do, as checks that a copy with a bug can be put through.
import { AddWinsSet, addWinsSet, Document, Text, text } from "@compendium/crdt";
import { crc32c } from "@compendium/runtime";
import { encodeMessage, encodePart } from "../../src/wire/codec.ts";
import { exchange, Side, type Subject, type } from "../core/lab.ts";

function holds(what: boolean, message: string): void {
  if (!what) throw new Error(message);
}

function pair(subject: Subject, limits = {}) {
  const [a, b] = [new Side("a", limits, subject), new Side("b", {}, subject)];
  const [here, there] = [new Text("a"), new Text("b")];
  const isSame = () => here.digest() === there.digest();
  return { a, b, here, there, isSame };
}

// Two members who have typed, and have the same.
function members(subject: Subject, limits = {}) {
  const [a, b] = [new Side("a", limits, subject), new Side("b", limits, subject)];
  const [here, there] = [new Text("a"), new Text("b")];
  const atA = a.open("text", here, { members: ["b"] });
  const atB = b.open("text", there, { members: ["a"] });
  exchange(a, b, () => false);
  return { a, b, here, there, atA, atB };
}

const codesOf = (side: Side) =>
  side.events.flatMap((event) => (event.type === "refused" ? event.error.code : []));

export const traps: Record<string, (subject: Subject) => void> = {
  reconnect(subject) {
    const { a, b, here, there, isSame } = pair(subject);
    type(here, 5_000);
    a.open("text", here);
    b.open("text", there);
    exchange(a, b, isSame);
    a.connect();
    b.connect();
    there.insert(0, "new");
    holds(exchange(a, b, isSame).bytes < 400, "a reconnect sends too much");
  },
  echo(subject) {
    const { a, b, here, there, isSame } = pair(subject);
    const document = a.open("text", here);
    b.open("text", there);
    exchange(a, b, isSame);
    type(here, 2_000);
    document.changed();
    holds(exchange(a, b, isSame).bytes < 4_200, "what came is sent back");
  },
  bounded(subject) {
    const { a, b, here, there, isSame } = pair(subject, { unackedMax: 3 });
    a.open("text", here);
    b.open("text", there);
    exchange(a, b, isSame);
    let said = 0;
    for (let i = 0; i < 20; i++) {
      here.insert(0, "x");
      said += a.say().length;
    }
    holds(said === 3, `${said} updates are unacknowledged`);
  },
  sameName(subject) {
    const hub = new Side("hub", {}, subject);
    hub.open("text", new Text("hub"));
    for (const [i, letter] of ["x", "y"].entries()) {
      const side = new Side(letter, {}, subject);
      const text = new Text("same");
      text.insert(0, letter);
      side.open("text", text, { nonce: `000000000000000${i}` });
      hub.connect();
      exchange(side, hub, () => false);
    }
    holds(codesOf(hub).includes("SYNC_ID_REUSED"), "two histories of one name are not found");
  },
  forgotten(subject) {
    const [a, b] = [new Side("a", {}, subject), new Side("b", {}, subject)];
    const text = new Text("a");
    text.insert(0, "x");
    a.open("text", text);
    b.open("text", new Text("b"));
    exchange(a, b, () => false);
    a.open("text", new Text("a"));
    a.connect();
    b.connect();
    exchange(a, b, () => false);
    holds(codesOf(a).includes("SYNC_ID_REUSED"), "what was forgotten is taken for news");
  },
  removal(subject) {
    const [a, b] = [new Side("a", {}, subject), new Side("b", {}, subject)];
    const [here, there] = [new AddWinsSet("a"), new AddWinsSet("b")];
    here.add("x");
    a.open("set", here);
    b.open("set", there);
    exchange(a, b, () => false);
    here.delete("x");
    exchange(a, b, () => false);
    holds(there.size === 0, "a removal was not sent");
  },
  pieces(subject) {
    const b = new Side("b", {}, subject);
    const part = encodePart({ type: "hello", name: "x", session: "0123456789abcdef" });
    const check = crc32c(part) ^ 1;
    const piece = encodePart({ type: "piece", total: part.length, offset: 0, bytes: part, check });
    let isRefused = false;
    try {
      b.hear([encodeMessage([piece])]);
    } catch {
      isRefused = true;
    }
    holds(isRefused, "a piece with a wrong check is taken");
  },
  presence(subject) {
    const table = new subject.PresenceTable("2".repeat(16), subject.limitsFrom({}), 1_000);
    const session = "1".repeat(16);
    table.receive([{ session, counter: 2, state: "2" }], {}, 0);
    table.receive([{ session, counter: 1, state: "1" }], {}, 0);
    holds(table.list()[0]?.state === 2, "an older presence wins");
  },
  calledGone(subject) {
    const session = "1".repeat(16);
    const table = new subject.PresenceTable(session, subject.limitsFrom({}), 1_000);
    table.set("here", 0);
    table.receive([{ session, counter: 1, state: undefined }], {}, 0);
    const [said] = table.news({}, new Map());
    holds((said?.counter ?? 0) > 1, "who is called gone does not say that he is here");
  },
  document(subject) {
    const schema = { title: text(), tags: addWinsSet<string>() };
    const [a, b] = [new Side("a", {}, subject), new Side("b", {}, subject)];
    const [here, there] = [new Document("a", schema), new Document("b", schema)];
    for (const document of [here, there]) {
      for (let i = 0; i < 3; i++) document.change((d) => d.title.insert(0, "x"));
    }
    a.open("notes", here);
    b.open("notes", there);
    const isSame = () => here.digest() === there.digest();
    holds(exchange(a, b, isSame).halfTrips === 2, "documents do not become the same");
    here.change((d) => d.tags.add("y"));
    const { bytes } = exchange(a, b, isSame);
    holds(isSame() && bytes < 500, "a change is not sent, or more than that");
  },
  schemas(subject) {
    const [a, b] = [new Side("a", {}, subject), new Side("b", {}, subject)];
    a.open("notes", new Document("a", { title: text() }));
    b.open("notes", new Document("b", { title: addWinsSet() }));
    exchange(a, b, () => false);
    const codes = [codesOf(a), codesOf(b)].flat().join();
    holds(codes === "SYNC_KIND,SYNC_KIND", `two schemas of one name: ${codes}`);
  },
  denied(subject) {
    const { a, b, here, there } = pair(subject);
    a.mayOpen = (name) => name !== "secret";
    here.insert(0, "secret");
    a.open("secret", here);
    b.open("secret", there);
    let said = "";
    for (let turn = 0; turn < 5; turn++) {
      const [fromA, fromB] = [a.say(), b.say()];
      said += fromA.map((message) => Buffer.from(message).toString("latin1")).join();
      b.hear(fromA);
      a.hear(fromB);
    }
    holds(there.length === 0, "who may not have a document gets it");
    holds(codesOf(b).join() === "SYNC_DENIED", "who may not have a document does not hear of it");
    // Once: in the answer to whoever has named it himself.
    holds(said.split("secret").length === 2, "a document is shown to whom it is denied");
  },
  newMember(subject) {
    const { a, b, here, atA } = members(subject);
    type(here, 300);
    exchange(a, b, () => false);
    holds(atA.compact(), "what all members have does not go");
    const isNew = new Side("new", {}, subject);
    const third = new Text("new");
    isNew.open("text", third);
    a.connect();
    exchange(isNew, a, () => false);
    holds(third.digest() === here.digest(), "a new member does not get what was compacted");
  },
  onlyStable(subject) {
    const { a, b, here, there, atA } = members(subject);
    here.insert(0, "x");
    atA.compact();
    there.insert(0, "y");
    exchange(a, b, () => false);
    holds(here.digest() === there.digest(), "what is compacted was not stable");
  },
  heldBack(subject) {
    const { a, b, here, there, atA } = members(subject, { unackedMax: 1 });
    there.insert(0, "x");
    const first = b.say();
    there.insert(0, "y");
    here.insert(0, "z");
    b.hear(a.say());
    a.hear([...first, ...b.say()]);
    holds(atA.stable().next("a") === 1, "stable is what an edit was made without");
    exchange(a, b, () => false);
    holds(atA.stats().stableLag === 0, "an acknowledgement is missing");
  },
  digest(subject) {
    const { a, b, here, there } = pair(subject);
    a.open("text", here);
    const broken = b.open("text", there);
    Object.assign(broken.replicated, { digest: () => "0".repeat(32) });
    here.insert(0, "x");
    exchange(a, b, () => false);
    holds(a.documents.get("text")?.mismatches !== 0, "a divergence is not found");
  },
};
