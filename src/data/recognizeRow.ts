import type { ChatMessage } from '../tokenizer/chatTemplate.ts';
import { recognizeLabelled } from './recognizeLabelled.ts';
import type { ColumnMapping, DataRecord, Place } from './records.ts';
import { isGiven, isRow, nonEmpty, parseCell, RowError, textOf } from './rowFields.ts';
import type { Row } from './rowFields.ts';

/** Columns of what a model reads and what it is to write, as data sets of translation and summarising name them. */
const sourceColumns = [
  ['source', 'target'],
  ['src', 'tgt'],
  ['input', 'target'],
  ['input', 'output'],
  ['document', 'summary'],
  ['article', 'highlights'],
  ['dialogue', 'summary'],
] as const;

/**
 * Tells what a row is by its columns: messages, conversations (ShareGPT), instruction and output (Alpaca), prompt and
 * completion, query and response or question and answer, words or a text or two with labels, source and target, text. Each
 * row is told by itself, so a file may mix them. Throws a RowError for a row that is none of these, or has nothing to learn
 * from.
 */
export function recognizeRow(value: unknown, place: Place, columns?: ColumnMapping): DataRecord {
  if (!isRow(value)) throw new RowError('is not an object with named fields.');
  const row = columns ? mapColumns(value, columns) : value;
  if (isGiven(row['messages'])) return messagesRecord(row, row['messages'], place);
  if (isGiven(row['conversations'])) return messagesRecord(row, row['conversations'], place);
  if (isGiven(row['instruction']) && 'output' in row) return instructionRecord(row, place);
  if ('prompt' in row && 'completion' in row) return promptRecord(row, place);
  for (const [question, answer] of [
    ['query', 'response'],
    ['question', 'answer'],
  ] as const) {
    if (question in row && answer in row) return questionRecord(row, question, answer, place);
  }
  const labelled = recognizeLabelled(row, place);
  if (labelled) return labelled;
  for (const [source, target] of sourceColumns) {
    if (isGiven(row[source]) && target in row) {
      return { kind: 'promptCompletion', prompt: textOf(row, source), completion: nonEmpty(row, target), place };
    }
  }
  if ('text' in row) return { kind: 'text', text: nonEmpty(row, 'text'), place };
  const found = Object.keys(row).slice(0, 8).join(', ') || 'none';
  throw new RowError(
    `has none of the known columns (it has: ${found}). Name them text, text and label, tokens and labels, prompt and ` +
      'completion, source and target, instruction and output, or messages, or say which column is which.',
  );
}

function mapColumns(row: Row, columns: ColumnMapping): Row {
  const mapped: Record<string, unknown> = {};
  for (const [role, column] of Object.entries(columns)) if (column in row) mapped[role] = row[column];
  return mapped;
}

function instructionRecord(row: Row, place: Place): DataRecord {
  const output = nonEmpty(row, 'output');
  const system = isGiven(row['system']) ? textOf(row, 'system') : undefined;
  const instruction = textOf(row, 'instruction');
  const input = textOf(row, 'input');
  const history = Array.isArray(row['history']) ? row['history'].flatMap(historyTurn) : [];
  if (history.length === 0) return { kind: 'instruction', instruction, input, output, system, place };
  const messages = [
    ...systemTurn(system),
    ...history,
    { role: 'user', content: joinInstruction(instruction, input) },
    { role: 'assistant', content: output },
  ];
  return { kind: 'messages', messages, tools: undefined, place };
}

/** Alpaca's instruction and input as one user message. */
export function joinInstruction(instruction: string, input: string): string {
  return [instruction, input].filter((part) => part !== '').join('\n');
}

function historyTurn(turn: unknown): ChatMessage[] {
  if (!Array.isArray(turn) || typeof turn[0] !== 'string' || typeof turn[1] !== 'string') {
    throw new RowError('has a history that is not a list of [question, answer] pairs.');
  }
  return [
    { role: 'user', content: turn[0] },
    { role: 'assistant', content: turn[1] },
  ];
}

function systemTurn(system: string | undefined): ChatMessage[] {
  return system === undefined ? [] : [{ role: 'system', content: system }];
}

function promptRecord(row: Row, place: Place): DataRecord {
  if (Array.isArray(row['prompt']) && Array.isArray(row['completion'])) {
    return messagesRecord(row, [...row['prompt'], ...row['completion']], place);
  }
  return { kind: 'promptCompletion', prompt: textOf(row, 'prompt'), completion: nonEmpty(row, 'completion'), place };
}

function questionRecord(row: Row, question: string, answer: string, place: Place): DataRecord {
  const messages = [
    ...systemTurn(isGiven(row['system']) ? textOf(row, 'system') : undefined),
    { role: 'user', content: textOf(row, question) },
    { role: 'assistant', content: nonEmpty(row, answer) },
  ];
  return { kind: 'messages', messages, tools: undefined, place };
}

function messagesRecord(row: Row, value: unknown, place: Place): DataRecord {
  const turns = typeof value === 'string' ? parseCell(value, 'turns') : value;
  if (!Array.isArray(turns) || turns.length === 0) throw new RowError('has messages that are not a list of turns.');
  const messages = turns.map(readTurn);
  if (isGiven(row['system']) && messages[0]?.role !== 'system') {
    messages.unshift({ role: 'system', content: textOf(row, 'system') });
  }
  const empty = messages.findIndex(
    (message) => message.role === 'assistant' && message.content.trim() === '' && !message['tool_calls'],
  );
  if (empty >= 0) throw new RowError(`has an empty reply (turn ${empty + 1}).`);
  const tools: unknown = typeof row['tools'] === 'string' ? parseCell(row['tools'], 'tools') : row['tools'];
  return { kind: 'messages', messages, tools: Array.isArray(tools) && tools.length > 0 ? tools : undefined, place };
}

/** ShareGPT's names for the roles. */
const shareGptRoles: Readonly<Record<string, string>> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  chatgpt: 'assistant',
  bot: 'assistant',
  model: 'assistant',
  assistant: 'assistant',
  function_call: 'assistant',
  system: 'system',
  tool: 'tool',
  observation: 'tool',
  function_response: 'tool',
};

function readTurn(value: unknown, index: number): ChatMessage {
  if (!isRow(value)) throw new RowError(`has a turn ${index + 1} that is not an object.`);
  if ('from' in value && !('role' in value)) {
    const from = String(value['from']);
    const role = Object.hasOwn(shareGptRoles, from) ? shareGptRoles[from] : undefined;
    if (role === undefined) throw new RowError(`has a turn ${index + 1} from "${from}", which is not a known speaker.`);
    return { role, content: turnContent(value['value'], index) };
  }
  const { role } = value;
  if (typeof role !== 'string' || role === '') throw new RowError(`has a turn ${index + 1} without a role.`);
  return { ...value, role, content: turnContent(value['content'], index) };
}

/** Text, or parts of which those of type text are joined; nothing where a turn only calls tools. */
function turnContent(content: unknown, index: number): string {
  if (typeof content === 'string') return content;
  if (content === undefined || content === null) return '';
  if (Array.isArray(content)) {
    const parts = content.map((part: unknown) => (isRow(part) && part['type'] === 'text' ? part['text'] : undefined));
    if (parts.every((part) => typeof part === 'string')) return parts.join('');
  }
  throw new RowError(`has a turn ${index + 1} whose content is not text.`);
}
