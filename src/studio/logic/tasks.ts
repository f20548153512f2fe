import type { DataCard, ModelCard, TaskChoiceName } from '../../engine/api.ts';

export type Task = DataCard['taskType'];

interface TaskText {
  readonly name: string;
  /** what the data look like, for the drop zone */
  readonly data: string;
}

const texts: Readonly<Record<Task, TaskText>> = {
  CAUSAL_LM: {
    name: 'Write text',
    data: 'JSON lines, JSON, CSV, TSV or plain text. The format is found by itself.',
  },
  SEQ_2_SEQ_LM: {
    name: 'Turn a text into another',
    data: 'JSON lines, JSON, CSV or TSV with a source and a target in each row.',
  },
  SEQ_CLS: {
    name: 'Sort texts',
    data: 'JSON lines, JSON, CSV or TSV with a text, or a pair of texts, and a label in each row.',
  },
  TOKEN_CLS: {
    name: 'Label words',
    data: 'JSON lines or JSON with a list of words and a list of their labels in each row.',
  },
  IMAGE_CLS: {
    name: 'Sort images',
    data: 'A folder of PNG, JPEG or WebP files: a folder for each class in it, or a metadata.jsonl beside them.',
  },
};

export function taskText(task: Task): TaskText {
  return texts[task];
}

/** The task that a choice stands for on this model. */
export function chosenTask(card: Pick<ModelCard, 'tasks'> | null, choice: TaskChoiceName): Task {
  return choice === 'auto' ? (card?.tasks[0] ?? 'CAUSAL_LM') : choice;
}

/** Does the model turn a source into a target, rather than go on from a prompt? */
export function readsSource(card: Pick<ModelCard, 'tasks'> | null): boolean {
  return chosenTask(card, 'auto') === 'SEQ_2_SEQ_LM';
}

export function isClassifierTask(task: Task): boolean {
  return task === 'SEQ_CLS' || task === 'TOKEN_CLS' || task === 'IMAGE_CLS';
}
