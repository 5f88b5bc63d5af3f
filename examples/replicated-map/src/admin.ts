// What an operator asks of a member. Changes of the group are made by the leader; another member
// answers 421 and names it.
//
//   POST   /admin/members            {"id": 4, "address": "host:port"}   a learner: no vote
//   POST   /admin/members/4/promote                                      a vote, once caught up
//   DELETE /admin/members/4                                              gone, and its id too
//   POST   /admin/leader             {"to": 2}, or nothing               hands leadership over
//   POST   /admin/snapshot                                               and lets go of the log
import type { IncomingMessage, ServerResponse } from "node:http";
import type { RaftNode } from "@compendium/raft/node";
import { HttpError, readJson, sendJson } from "./http.ts";

interface Call {
  readonly node: RaftNode;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The path behind `/admin/`. */
  readonly rest: readonly string[];
  readonly signal: AbortSignal;
}

/** Does it, and answers when it is done. */
export async function administer({ node, request, response, rest, signal }: Call): Promise<void> {
  const { method } = request;
  const [what, member] = rest;
  switch (`${method} ${rest.join("/").replace(/^members\/\d+/, "members/ID")}`) {
    case "POST members": {
      const { id, address } = await readJson(request);
      if (typeof address !== "string") throw new HttpError(400, "address must be a string");
      await refusing(node.addLearner(memberId(id), address, { signal }));
      break;
    }
    case "POST members/ID/promote":
      await refusing(node.promote(memberId(Number(member)), { signal }));
      break;
    case "DELETE members/ID":
      await refusing(node.remove(memberId(Number(member)), { signal }));
      break;
    case "POST leader": {
      const { to } = await readJson(request);
      await node.transferLeadership(to === undefined ? undefined : memberId(to), { signal });
      break;
    }
    case "POST snapshot":
      return sendJson(response, 200, { index: await node.snapshot() });
    default:
      throw new HttpError(404, `there is no ${method} /admin/${what ?? ""}…: see the README`);
  }
  sendJson(response, 200, { leader: node.leadership.leader });
}

function memberId(id: unknown): number {
  if (Number.isSafeInteger(id) && (id as number) >= 1) return id as number;
  throw new HttpError(400, "a member's id is a whole number from 1");
}

// An address that is too long, say: the node throws a RangeError, and it is the caller's mistake.
async function refusing(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    throw error instanceof RangeError ? new HttpError(400, error.message) : error;
  }
}
