// What the edge does that ends in somebody's inbox: a link to sign in with, an invitation to a
// workspace. The demo sends no mail. What it has is what every such form needs first, a limit: the
// inbox belongs to somebody who may never have asked.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { LimitGate } from "./edge-limits.ts";
import { readJson, sendJson, sendText } from "./http.ts";

// Shaped like an address; whether it is one, only a mail can tell.
const ADDRESS = /^[^\s@]{1,64}@[^\s@]{1,190}$/;

/** `POST /sign-in`: says the same whether or not anybody has that address. */
export function signIn(gate: LimitGate, request: IncomingMessage, response: ServerResponse): void {
  readAddress(request, response, (address) => {
    const answer = { address, sent: "a link" };
    gate.signIn(address, request, response, () => sendJson(response, 202, answer));
  });
}

/** `POST /workspaces/…/invites`. */
export function invite(
  gate: LimitGate,
  workspace: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  readAddress(request, response, (address) => {
    const answer = { address, workspace, sent: "an invitation" };
    gate.invite(workspace, request, response, () => sendJson(response, 202, answer));
  });
}

function readAddress(
  request: IncomingMessage,
  response: ServerResponse,
  go: (address: string) => void,
): void {
  readJson(request)
    .then(({ address }) => {
      // One inbox has one limit, however it is written.
      const written = typeof address === "string" ? address.trim().toLowerCase() : "";
      if (ADDRESS.test(written)) return written;
      throw new TypeError("address must be a mail address");
    })
    .then(go, (error: Error) => sendText(response, 400, `${error.message}\n`));
}
