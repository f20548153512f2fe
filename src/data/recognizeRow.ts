import type { ChatMessage } from '../tokenizer/chatTemplate.ts';
import type { ColumnMapping, DataRecord, Place } from './records.ts';

type Row = Readonly<Record<string, unknown>>;

/** What is wrong with a row, in words for its owner. */
export class RowError extends Error {}

/**
 * Tells what a row is by its columns: messages, conversations (ShareGPT), instruction and output (Alpaca), prompt and
 * completion, query and response or question and answer, text and label, text. Each row is told by itself, so a file may
 * mix them. Throws a RowError for a row that is none of these, or has nothing to learn from.
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
  if (isGiven(row['text']) && isGiven(row['label'])) return labelledRecord(row, place);
  if ('text' in row) return { kind: 'text', text: nonEmpty(row, 'text'), place };
  const found = Object.keys(row).slice(0, 8).join(', ') || 'none';
  throw new RowError(
    `has none of the known columns (it has: ${found}). Name them text, prompt and completion, instruction and output, ` +
      'or messages, or say which column is which.',
  );
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function mapColumns(row: Row, columns: ColumnMapping): Row {
  const mapped: Record<string, unknown> = {};
  for (const [role, column] of Object.entries(columns)) if (column in row) mapped[role] = row[column];
  return mapped;
}

/** The column as text: numbers and booleans as written, nothing for an absent one. */
function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === undefined || value === null) return '';
  throw new RowError(`has a ${column} that is not text.`);
}

function nonEmpty(row: Row, column: string): string {
  const text = textOf(row, column);
  if (text.trim() === '') throw new RowError(`has an empty ${column}.`);
  return text;
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

/** A label is a whole number, also where a CSV file holds it as text, or a name. */
function labelledRecord(row: Row, place: Place): DataRecord {
  const label = row['label'];
  const textPair = isGiven(row['text_pair']) ? textOf(row, 'text_pair') : undefined;
  const record = { kind: 'labelled', text: textOf(row, 'text'), textPair, place } as const;
  if (typeof label === 'boolean') return { ...record, label: Number(label) };
  if (typeof label === 'number' && Number.isInteger(label) && label >= 0) return { ...record, label };
  if (typeof label === 'string') return { ...record, label: /^\d+$/.test(label) ? Number(label) : label };
  throw new RowError('has a label that is neither a class number (0, 1, …) nor a name.');
}

function messagesRecord(row: Row, value: unknown, place: Place): DataRecord {
  const turns = typeof value === 'string' ? parseCell(value) : value;
  if (!Array.isArray(turns) || turns.length === 0) throw new RowError('has messages that are not a list of turns.');
  const messages = turns.map(readTurn);
  if (isGiven(row['system']) && messages[0]?.role !== 'system') {
    messages.unshift({ role: 'system', content: textOf(row, 'system') });
  }
  const empty = messages.findIndex(
    (message) => message.role === 'assistant' && message.content.trim() === '' && !message['tool_calls'],
  );
  if (empty >= 0) throw new RowError(`has an empty reply (turn ${empty + 1}).`);
  const tools: unknown = typeof row['tools'] === 'string' ? parseCell(row['tools']) : row['tools'];
  return { kind: 'messages', messages, tools: Array.isArray(tools) && tools.length > 0 ? tools : undefined, place };
}

/** A CSV cell that holds JSON. */
function parseCell(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RowError('has a list of turns or tools that is not valid JSON.');
  }
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
