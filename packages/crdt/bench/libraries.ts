// Five libraries and this one behind one interface, each used as its documentation shows. An edit
// is a call of its own everywhere; Automerge alone would need a change for each, which takes it
// minutes, and gets one change for all where no edit has to be sent by itself.
import { next as Automerge } from "@automerge/automerge";
import { Doc as DiamondDoc } from "diamond-types-node";
import { Patch as JoyPatch, Model } from "json-joy/lib/json-crdt/index.js";
import { LoroDoc, type VersionVector } from "loro-crdt";
import * as Y from "yjs";
import { Text } from "../src/sequence/text.ts";

/** At `position`, `removed` units go, and `inserted` come. */
export type Patch = readonly [position: number, removed: number, inserted: string];

/** A text in one of the libraries. */
export interface Replica {
  /** Makes edits. */
  edit(patches: readonly Patch[]): void;
  /** What was done since the last call, as bytes for another replica. */
  update(): Uint8Array;
  /** Takes such bytes in. */
  merge(bytes: Uint8Array): void;
  /** The text. */
  text(): string;
  /** The document as a file; `undefined` for what the library cannot leave out, or keep. */
  save(what: "all" | "without deleted text"): Uint8Array | undefined;
}

/** One of the libraries. */
export interface Library {
  /** An empty text, or a copy of a saved one, for the editor of that number. */
  make(editor: number, saved?: Uint8Array): Replica;
  /** The text in a file, by the shortest way. */
  read(saved: Uint8Array): string;
}

const ours: Library = {
  make(editor, saved) {
    const agent = `editor-${editor}`;
    const text = saved === undefined ? new Text(agent) : Text.load(agent, saved);
    return {
      edit(patches) {
        for (const [position, removed, inserted] of patches) {
          if (removed > 0) text.delete(position, removed);
          if (inserted !== "") text.insert(position, inserted);
        }
      },
      update: () => text.flush() ?? new Uint8Array(0),
      merge: (bytes) => text.merge(bytes),
      text: () => text.toString(),
      save: (what) => text.encode({ deleted: what === "all" ? "keep" : "drop" }),
    };
  },
  read: (saved) => Text.load("reader", saved).toString(),
};

const yjs: Library = {
  make(editor, saved) {
    const make = (gc: boolean): Y.Doc => {
      const doc = new Y.Doc({ gc });
      doc.clientID = editor;
      if (saved !== undefined) Y.applyUpdateV2(doc, saved);
      return doc;
    };
    const doc = make(false);
    const text = doc.getText("text");
    let updates: Uint8Array[] = [];
    let isHeard = false;
    let sent = Y.encodeStateVector(doc);
    return {
      edit(patches) {
        for (const [position, removed, inserted] of patches) {
          if (removed > 0) text.delete(position, removed);
          if (inserted !== "") text.insert(position, inserted);
        }
      },
      update() {
        if (isHeard) {
          const [one, ...more] = updates;
          updates = [];
          return more.length === 0 ? one! : Y.mergeUpdates([one!, ...more]);
        }
        isHeard = true;
        doc.on("update", (update: Uint8Array) => updates.push(update));
        const all = Y.encodeStateAsUpdate(doc, sent);
        sent = Y.encodeStateVector(doc);
        return all;
      },
      merge: (bytes) => Y.applyUpdate(doc, bytes),
      text: () => text.toString(),
      save(what) {
        if (what === "all") return Y.encodeStateAsUpdateV2(doc);
        const collected = new Y.Doc({ gc: true });
        Y.applyUpdateV2(collected, Y.encodeStateAsUpdateV2(doc));
        return Y.encodeStateAsUpdateV2(collected);
      },
    };
  },
  read(saved) {
    const doc = new Y.Doc();
    Y.applyUpdateV2(doc, saved);
    return doc.getText("text").toString();
  },
};

const jsonJoy: Library = {
  make(editor, saved) {
    const sid = 65_536 + editor;
    let model: Model;
    if (saved !== undefined) {
      model = Model.load(saved as never, sid);
    } else {
      // All replicas begin with the same empty string, made by one of them.
      model = Model.create(undefined, 65_536);
      model.api.set("");
      model.api.flush();
      if (sid !== 65_536) model = model.fork(sid);
    }
    const text = model.api.str([]);
    return {
      edit(patches) {
        for (const [position, removed, inserted] of patches) {
          if (removed > 0) text.del(position, removed);
          if (inserted !== "") text.ins(position, inserted);
        }
      },
      update() {
        const patch = model.api.flush();
        return patch.ops.length === 0 ? new Uint8Array(0) : patch.toBinary();
      },
      merge: (bytes) => model.applyPatch(JoyPatch.fromBinary(bytes)),
      text: () => model.view() as string,
      save: (what) => (what === "all" ? undefined : model.toBinary()),
    };
  },
  read: (saved) => Model.fromBinary(saved).view() as string,
};

const loro: Library = {
  make(editor, saved) {
    const doc = saved === undefined ? new LoroDoc() : LoroDoc.fromSnapshot(saved);
    doc.setPeerId(BigInt(editor));
    const text = doc.getText("text");
    let sent: VersionVector = doc.version();
    return {
      edit(patches) {
        for (const [position, removed, inserted] of patches) {
          if (removed > 0) text.delete(position, removed);
          if (inserted !== "") text.insert(position, inserted);
        }
      },
      update() {
        const bytes = doc.export({ mode: "update", from: sent });
        sent = doc.version();
        return bytes;
      },
      merge: (bytes) => void doc.import(bytes),
      text: () => text.toString(),
      save: (what) => (what === "all" ? doc.export({ mode: "snapshot" }) : undefined),
    };
  },
  read: (saved) => LoroDoc.fromSnapshot(saved).getText("text").toString(),
};

interface AutomergeText {
  text: string;
}

const automerge: Library = {
  make(editor, saved) {
    const actor = editor.toString(16).padStart(32, "0");
    let doc: Automerge.Doc<AutomergeText>;
    if (saved !== undefined) {
      doc = Automerge.load(saved, { actor });
    } else {
      const empty = Automerge.from<AutomergeText>({ text: "" }, { actor: "ff".repeat(16) });
      doc = Automerge.clone(empty, { actor });
    }
    Automerge.saveIncremental(doc);
    return {
      edit(patches) {
        doc = Automerge.change(doc, (draft) => {
          for (const [position, removed, inserted] of patches) {
            Automerge.splice(draft, ["text"], position, removed, inserted);
          }
        });
      },
      update: () => Automerge.saveIncremental(doc),
      merge(bytes) {
        doc = Automerge.loadIncremental(doc, bytes);
      },
      text: () => doc.text,
      save: (what) => (what === "all" ? Automerge.save(doc) : undefined),
    };
  },
  read: (saved) => Automerge.load<AutomergeText>(saved).text,
};

const diamondTypes: Library = {
  make(editor, saved) {
    const agent = `editor-${editor}`;
    const doc = saved === undefined ? new DiamondDoc(agent) : DiamondDoc.fromBytes(saved, agent);
    let sent = doc.getLocalVersion();
    return {
      edit(patches) {
        for (const [position, removed, inserted] of patches) {
          if (removed > 0) doc.del(position, removed);
          if (inserted !== "") doc.ins(position, inserted);
        }
      },
      update() {
        const bytes = doc.getPatchSince(sent);
        sent = doc.getLocalVersion();
        return bytes;
      },
      merge: (bytes) => void doc.mergeBytes(bytes),
      text: () => doc.get(),
      save: (what) => (what === "all" ? doc.toBytes() : undefined),
    };
  },
  read: (saved) => DiamondDoc.fromBytes(saved).get(),
};

/** By name; ours first. */
export const libraries: Readonly<Record<string, Library>> = {
  ours,
  "json-joy": jsonJoy,
  yjs,
  "loro-crdt": loro,
  "@automerge/automerge": automerge,
  "diamond-types-node": diamondTypes,
};
