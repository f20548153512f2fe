import { commands } from './commands.ts';
import { runCommand } from './run.ts';

process.exit(await runCommand(commands, process.argv.slice(2)));
