// What an engine counts. A member begins at nothing in each life; nothing of it is kept.

/** What a member has done in this life. */
export interface EngineCounts {
  committed: number;
  expired: number;
  superseded: number;
  elections: number;
  leaderChanges: number;
  snapshotsInstalled: number;
  stalls: number;
}

/** The counts of a life that has just begun. */
export function noCounts(): EngineCounts {
  return {
    committed: 0,
    expired: 0,
    superseded: 0,
    elections: 0,
    leaderChanges: 0,
    snapshotsInstalled: 0,
    stalls: 0,
  };
}
