// `npm test`: every check of the project on a fresh machine. `node tools/test.mjs unit gpu` runs the named stages alone.
// Only Node's own modules up to the line that installs the rest.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkNode, installDependencies } from './lib/install.mjs';
import { prepareMachine } from './lib/machine.mjs';
import { stages } from './lib/stages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function selectStages(names) {
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `There is no stage ${unknown.join(', ')}; choose among ${stages.map((stage) => stage.name).join(', ')}.`,
    );
  }
  return names.length === 0 ? stages : stages.filter((stage) => names.includes(stage.name));
}

/** Runs one stage; what it needs and the machine lacks, or a crash of its own, is one failure. */
async function runStage(stage, machine) {
  console.log(`\n── ${stage.name} ──`);
  const lacking = stage.needs.filter((need) => machine[need] === undefined);
  if (lacking.length > 0) {
    console.error(`This machine has no ${lacking.join(' and no ')}. ${machine.missing.join(' ')}`);
    return { passed: 0, failed: 1 };
  }
  return stage.run(machine).catch((error) => {
    console.error(error);
    return { passed: 0, failed: 1 };
  });
}

async function main() {
  checkNode();
  const selected = selectStages(process.argv.slice(2));
  await installDependencies(root);
  const machine = await prepareMachine(root, new Set(selected.flatMap((stage) => stage.needs)));
  const total = { passed: 0, failed: 0 };
  const lines = [];
  for (const stage of selected) {
    const began = Date.now();
    const { passed, failed } = await runStage(stage, machine);
    total.passed += passed;
    total.failed += failed;
    const seconds = Math.round((Date.now() - began) / 1000);
    lines.push(
      `${stage.name.padEnd(12)} ${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed ${seconds} s`,
    );
  }
  console.log(`\n${lines.join('\n')}\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

process.exitCode = await main().catch((error) => {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  return 1;
});
