// One shape of a request: its bytes, the section that says what it is, and what must become of it.

export interface Shape {
  readonly name: string;
  readonly section: string;
  /** In latin1: a character is a byte. */
  readonly bytes: string;
  readonly expect: Refused | Forwarded;
}

/** An answer with this status; upstream sees no whole request. */
export interface Refused {
  readonly kind: "refused";
  readonly status: number;
  /** Requests before it that were sound. */
  readonly before: number;
  /** Whether it is known where the next request begins. */
  readonly staysOpen: boolean;
}

/** Exactly these requests, by every reading, and the connection can be used on. */
export interface Forwarded {
  readonly kind: "forwarded";
  readonly requests: readonly Expected[];
}

export interface Expected {
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  readonly body?: string;
  /** Fields that must be there, with their value. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Fields that must not be there. */
  readonly without?: readonly string[];
}

export const refused = (status: number, before = 0): Refused => ({
  kind: "refused",
  status,
  before,
  staysOpen: false,
});

/** Refused for what it asks, not for how it is written. */
export const answered = (status: number): Refused => ({ ...refused(status), staysOpen: true });

export const forwarded = (...requests: readonly Expected[]): Forwarded => ({
  kind: "forwarded",
  requests,
});

/** A request in which everything but these lines is in order. */
export function withLines(...lines: readonly string[]): string {
  return ["GET / HTTP/1.1", "Host: a.example", ...lines, "", ""].join("\r\n");
}

/** A POST with these field lines and this body. */
export function post(lines: readonly string[], body: string): string {
  return ["POST / HTTP/1.1", "Host: a.example", ...lines, "", body].join("\r\n");
}

/** What an attacker hides behind the end that he wants somebody to see. */
export const smuggled = "GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n";
