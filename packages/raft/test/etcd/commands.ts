// The commands of etcd's transcripts.
import type { ConfChange, Message } from "@compendium/raft";
import { coreOf } from "../../src/core/raw-node.ts";
import { parseChanges } from "./changes.ts";
import { type Argument, type Directive, parseLine, valuesOf } from "./datadriven.ts";
import { describeEntries, describeMembers, roleNames, typeNames, V1_CONTEXT } from "./describe.ts";
import type { Environment } from "./environment.ts";
import { type Level, levels } from "./log-lines.ts";
import { ELECTION_TICKS, HEARTBEAT_TICKS, type MemberOptions } from "./member.ts";

type Arguments = readonly Argument[];
type Command = (env: Environment, args: Arguments) => string | undefined;

/** Runs one directive and returns what the transcript would say. */
export function runDirective(env: Environment, directive: Directive): string {
  const { command, args, input } = directive;
  let failure: string | undefined;
  try {
    if (command === "propose-conf-change") {
      failure = proposeConfChange(env, args, input);
    } else {
      failure = runCommand(env, command, args);
      for (const line of failure === undefined && input !== "" ? input.split("\n") : []) {
        const next = parseLine(line);
        failure = runCommand(env, next.command, next.args);
        if (failure !== undefined && env.isQuiet) break;
        if (failure !== undefined) env.write(failure);
        failure = undefined;
      }
    }
  } catch (error) {
    failure = (error as Error).message;
  }
  const output = env.takeOutput();
  if (failure !== undefined) return env.isQuiet ? failure : output + failure;
  return output === "" ? "ok" : output;
}

function runCommand(env: Environment, name: string, args: Arguments): string | undefined {
  const command = commands[name];
  return command === undefined ? "unknown command" : command(env, args);
}

const DROPPED = "raft proposal dropped";

const words = (args: Arguments): string[] =>
  args.filter(({ values }) => values.length === 0).map(({ key }) => key);
const ids = (args: Arguments): number[] => words(args).map(Number);
const first = (args: Arguments): number => Number(args[0]?.key);
const numbers = (args: Arguments, key: string): number[] => (valuesOf(args, key) ?? []).map(Number);

const commands: Record<string, Command> = {
  "add-nodes": (env, args) => {
    const confState = {
      voters: numbers(args, "voters"),
      votersOutgoing: [],
      learners: numbers(args, "learners"),
      learnersNext: [],
      autoLeave: false,
    };
    env.addNodes(first(args), memberOptions(args), confState, numbers(args, "index")[0] ?? 0);
    return undefined;
  },
  campaign: (env, args) => {
    env.member(first(args)).node.campaign();
    return undefined;
  },
  compact: (env, args) => {
    const [id = 0, index = 0] = ids(args);
    env.member(id).storage.compact(index);
    return commands["raft-log"]?.(env, args);
  },
  "deliver-msgs": (env, args) => {
    const name = valuesOf(args, "type")?.[0];
    const types = Object.entries(typeNames) as [Message["type"], string][];
    const type = types.find((each) => each[1] === name)?.[0];
    let count = 0;
    for (const id of ids(args)) count += env.deliver(id, false, type);
    for (const id of numbers(args, "drop")) count += env.deliver(id, true, type);
    if (count === 0) env.write("no messages\n");
    return undefined;
  },
  "process-ready": (env, args) => {
    eachOf(env, args, "handling Ready", (id) => env.processReady(id));
    return undefined;
  },
  "process-append-thread": (env, args) => {
    eachOf(env, args, "processing append thread", (id) => env.processAppendThread(id));
    return undefined;
  },
  "process-apply-thread": (env, args) => {
    eachOf(env, args, "processing apply thread", (id) => env.processApplyThread(id));
    return undefined;
  },
  "log-level": (env, args) => {
    env.level = levelOf(args[0]?.key);
    return undefined;
  },
  "raft-log": (env, args) => {
    const { storage } = env.member(first(args));
    const [low, last] = [storage.firstIndex(), storage.lastIndex()];
    if (last < low) {
      env.write(`log is empty: first index=${low}, last index=${last}`);
      return undefined;
    }
    env.write(describeEntries(storage.entries(low, last + 1, Number.POSITIVE_INFINITY) ?? []));
    return undefined;
  },
  "raft-state": (env) => {
    for (const { id, node } of env.members) {
      const { role, term, lead, configuration } = node.status();
      const { incoming, outgoing } = configuration;
      const voter = incoming.includes(id) || outgoing.includes(id) ? "Voter" : "Non-Voter";
      env.write(`${id}: ${roleNames[role]} (${voter}) Term:${term} Lead:${lead}\n`);
    }
    return undefined;
  },
  "set-randomized-election-timeout": (env, args) => {
    const core = coreOf(env.member(first(args)).node);
    core.randomizedElectionTicks = numbers(args, "timeout")[0] ?? ELECTION_TICKS;
    return undefined;
  },
  stabilize: (env, args) => {
    const before = env.level;
    const level = valuesOf(args, "log-level")?.[0];
    if (level !== undefined) env.level = levelOf(level);
    const chosen = ids(args);
    env.stabilize(chosen.length > 0 ? chosen : env.members.map(({ id }) => id));
    env.level = before;
    return undefined;
  },
  status: (env, args) => {
    const { tracker, role } = coreOf(env.member(first(args)).node);
    if (role === "leader") env.write(describeMembers(tracker.members));
    return undefined;
  },
  "tick-election": (env, args) => tick(env, args, ELECTION_TICKS),
  "tick-heartbeat": (env, args) => tick(env, args, HEARTBEAT_TICKS),
  "transfer-leadership": (env, args) => {
    const [from = 0] = numbers(args, "from");
    const [to = 0] = numbers(args, "to");
    env.member(from).node.transferLeader(to);
    return undefined;
  },
  "forget-leader": (env, args) => {
    env.member(first(args)).node.forgetLeader();
    return undefined;
  },
  "send-snapshot": (env, args) => {
    const [from = 0, to = 0] = ids(args);
    env.sendSnapshot(from, to);
    return undefined;
  },
  propose: (env, args) => {
    const [, text = ""] = words(args);
    const refusal = env.member(first(args)).node.propose(new TextEncoder().encode(text));
    return refusal === undefined ? undefined : DROPPED;
  },
  "report-unreachable": (env, args) => {
    const [id = 0, other = 0] = ids(args);
    env.member(id).node.reportUnreachable(other);
    return undefined;
  },
};

function memberOptions(args: Arguments): MemberOptions {
  const isTrue = (key: string) => valuesOf(args, key)?.[0] === "true";
  const [inflightMessagesMax] = numbers(args, "inflight");
  const [applyingBytesMax] = numbers(args, "max-committed-size-per-ready");
  return {
    asyncStorageWrites: isTrue("async-storage-writes"),
    // With them, etcd does not wait for the disk before it asks for votes.
    votesBeforeSync: isTrue("async-storage-writes"),
    preVote: isTrue("prevote"),
    checkQuorum: isTrue("checkquorum") || valuesOf(args, "read-only")?.[0] === "lease-based",
    disableConfChangeValidation: isTrue("disable-conf-change-validation"),
    stepDownOnRemoval: isTrue("step-down-on-removal"),
    reads: valuesOf(args, "read-only")?.[0] === "lease-based" ? "lease-based" : "safe",
    ...(inflightMessagesMax !== undefined && { inflightMessagesMax }),
    ...(applyingBytesMax !== undefined && { applyingBytesMax }),
  };
}

function eachOf(
  env: Environment,
  args: Arguments,
  title: string,
  work: (id: number) => void,
): void {
  const chosen = ids(args);
  for (const id of chosen) {
    if (chosen.length === 1) {
      work(id);
    } else {
      env.write(`> ${id} ${title}\n`);
      env.indented(() => work(id));
    }
  }
}

function levelOf(word = ""): Level {
  const level = levels.find((each) => each === word.toUpperCase());
  if (level === undefined) throw new Error(`unknown log level ${word}`);
  return level;
}

function tick(env: Environment, args: Arguments, ticks: number): undefined {
  const { node } = env.member(first(args));
  for (let passed = 0; passed < ticks; passed++) node.tick();
  return undefined;
}

function proposeConfChange(env: Environment, args: Arguments, input: string): string | undefined {
  const transitions: Record<string, ConfChange["transition"]> = {
    auto: "auto",
    implicit: "joint-implicit",
    explicit: "joint-explicit",
  };
  const transition = transitions[valuesOf(args, "transition")?.[0] ?? "auto"];
  if (transition === undefined) return "unknown transition";
  const isV1 = valuesOf(args, "v1")?.[0] === "true";
  const changes = parseChanges(input);
  if (isV1 && (changes.length > 1 || transition !== "auto")) {
    return "v1 conf change can only have one operation and no transition";
  }
  const context = new TextEncoder().encode(isV1 ? V1_CONTEXT : "");
  const { node } = env.member(first(args));
  const refusal = node.proposeConfChange({ transition, changes, context });
  return refusal === undefined ? undefined : DROPPED;
}
