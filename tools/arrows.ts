import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';

/**
 * Which rooms of src/ a room may import. Doors open one way: studio, cli → engine → train, generate → models, peft, data → graph → quant, gpu;
 * formats and storage know bytes, not training. A room may always import itself.
 */
export const doors: Readonly<Record<string, readonly string[]>> = {
  gpu: [],
  quant: ['gpu'],
  graph: ['quant', 'gpu'],
  formats: ['quant'],
  storage: ['formats'],
  tokenizer: ['formats'],
  data: ['tokenizer', 'formats'],
  models: ['graph', 'quant', 'gpu', 'formats'],
  peft: ['models', 'graph', 'quant', 'gpu', 'formats'],
  train: ['models', 'peft', 'data', 'tokenizer', 'graph', 'quant', 'gpu', 'formats'],
  generate: ['models', 'peft', 'data', 'tokenizer', 'graph', 'quant', 'gpu', 'formats'],
  engine: [
    ...['train', 'generate', 'models', 'peft', 'data', 'tokenizer', 'storage', 'graph', 'quant', 'gpu', 'formats'],
  ],
  cli: ['engine'],
  studio: ['engine'],
};

/** The one file that every room but gpu may import: the error that a person can mend. */
const openToAll = '^src/formats/errors\\.ts$';

/** Packages that draw or remember pages; the rooms of the engine run in a worker and in Node. */
const pagePackages = 'node_modules/(react|react-dom|zustand|recharts|radix-ui|lucide-react)/';

const tests = '\\.test\\.tsx?$';
const nodeFiles = '(/node[A-Z]\\w*|/node|\\.node)\\.ts$';

function ruleForRoom(room: string): IForbiddenRuleType {
  const allowed = [room, ...(doors[room] ?? [])].map((name) => `^src/${name}/`);
  return {
    name: `${room} may import ${doors[room]?.join(', ') || 'no other room'}`,
    severity: 'error',
    from: { path: `^src/${room}/`, pathNot: tests },
    to: { path: '^(src|tests|bench|e2e|tools)/', pathNot: room === 'gpu' ? allowed : [...allowed, openToAll] },
  };
}

const otherRules: IForbiddenRuleType[] = [
  {
    name: 'only the studio uses packages of the page',
    severity: 'error',
    from: { path: '^src/', pathNot: ['^src/studio/', tests] },
    to: { path: pagePackages },
  },
  {
    name: 'only cli and files named for Node use its built-in modules',
    severity: 'error',
    from: { path: '^src/', pathNot: ['^src/cli/', nodeFiles, tests] },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'no circle of imports at run time',
    severity: 'error',
    from: { path: '^src/', pathNot: tests },
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
];

/** Rooms that stand in src/ but not in the table: nothing is known of their doors. */
function unknownRooms(root: string): string[] {
  return readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !(entry.name in doors))
    .map((entry) => `src/${entry.name} is not in the table of tools/arrows.ts`);
}

/** Every import under `root`/src that goes against the arrows, as one line each: file, what it imports, the rule. */
export async function findForbiddenImports(root: string): Promise<string[]> {
  const { output } = await cruise(['src'], {
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: [...Object.keys(doors).map(ruleForRoom), ...otherRules] },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  });
  const { summary, modules } = output as ICruiseResult;
  if (modules.some((module) => module.source.endsWith('.ts')) === false)
    throw new Error(`No module found in ${root}/src.`);
  return [...unknownRooms(root), ...summary.violations.map(({ from, to, rule }) => `${from} → ${to}: ${rule.name}`)];
}
