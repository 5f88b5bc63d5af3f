export { type CommandOptions, runCommand } from "./command.ts";
