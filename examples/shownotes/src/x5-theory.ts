// What X5 must show if the theory is right, computed from the scenario alone.
//
// Off. One member is down until somebody starts it again, and then waits for its own election
// timeout, drawn evenly from E to 2 E, since it cannot know that it is alone. (Starting a process
// takes time as well: the prediction is a lower bound.) Paused, it is gone for as long as it is
// paused, and goes on.
//
// On. A follower stands for election once it has not heard of the leader for a time drawn evenly
// from E to 2 E (Raft §5.2). Of n followers the first does so after E + E / (n + 1) on the average:
// the smallest of n even draws cuts the interval into n + 1 equal parts. It last heard a heartbeat
// at most H before the death, half of that on the average. What follows is quick beside that: two
// round trips (a vote that costs nothing, thesis §9.6, and one that does), and one more, with a
// sync of the disk, for an entry of the new term. Whether the leader is dead or paused is the same:
// silence is all that anybody hears.
import type { X5Scenario } from "./x5-scenario.ts";

/** What is expected of a run, in the terms in which it is measured. */
export interface X5Prediction {
  /** How long no command was answered, in ms: after the leader was killed. */
  killedGapMs: number;
  /** After it was paused. */
  pausedGapMs: number;
  /** Acknowledged changes that are gone. */
  lost: number;
}

/** With one member. */
export function predictAlone({ raft, restartAfterMs, phasesMs }: X5Scenario): X5Prediction {
  const electionMs = 1.5 * raft.electionTimeoutMs;
  return { killedGapMs: restartAfterMs + electionMs, pausedGapMs: phasesMs.paused, lost: 0 };
}

/** With a group. Throws a RangeError where one death is too many. */
export function predictGroup({ raft, members }: X5Scenario): X5Prediction {
  if (!(members >= 3)) throw new RangeError(`${members} members do not survive one of them`);
  const { electionTimeoutMs, heartbeatMs } = raft;
  const followers = members - 1;
  const gapMs = electionTimeoutMs * (1 + 1 / (followers + 1)) - heartbeatMs / 2;
  return { killedGapMs: gapMs, pausedGapMs: gapMs, lost: 0 };
}

/** The least and the most that detection takes: the latter is meant by "twice the timeout". */
export function detectionMs({ raft }: X5Scenario): { least: number; most: number } {
  const { electionTimeoutMs, heartbeatMs } = raft;
  return { least: electionTimeoutMs - heartbeatMs, most: 2 * electionTimeoutMs };
}
