import type { ReactNode } from 'react';
import { Panel } from '../../components/Panel.tsx';
import type { Task } from '../../logic/tasks.ts';
import styles from './FormatGuide.module.css';

interface Example {
  readonly name: string;
  readonly use: string;
  readonly row: string;
}

const examples: Readonly<Record<Task, readonly Example[]>> = {
  CAUSAL_LM: [
    {
      name: 'Chats',
      use: 'Learn how to answer. Loss on the replies only.',
      row: '{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Ahoy!"}]}',
    },
    {
      name: 'Instructions',
      use: 'One task and its answer in each row.',
      row: '{"instruction": "Name a red fruit.", "output": "A tomato."}',
    },
    { name: 'Prompt and completion', use: 'Joined as they stand.', row: '{"prompt": "2 + 2 =", "completion": " 4"}' },
    { name: 'Plain text', use: 'Learn a style or a subject.', row: '{"text": "Call me Ishmael."}' },
  ],
  SEQ_2_SEQ_LM: [
    {
      name: 'Source and target',
      use: 'What is read, and what is to be written.',
      row: '{"source": "Good morning", "target": "Guten Morgen"}',
    },
    { name: 'Document and summary', use: 'Other usual names work too.', row: '{"document": "…", "summary": "…"}' },
  ],
  SEQ_CLS: [
    { name: 'Text and label', use: 'By name, or by number from 0.', row: '{"text": "Never again.", "label": "bad"}' },
    {
      name: 'Pair of texts',
      use: 'Does one follow from the other?',
      row: '{"text": "It rains.", "text_pair": "It is wet.", "label": 1}',
    },
    { name: 'Several labels', use: 'All that hold.', row: '{"text": "…", "label": ["sport", "politics"]}' },
    { name: 'Number', use: 'A value to estimate.', row: '{"text": "Quite good.", "label": 3.5}' },
  ],
  TOKEN_CLS: [
    {
      name: 'Words and labels',
      use: 'One label for each word.',
      row: '{"tokens": ["Ada", "lives", "here"], "labels": ["NAME", "O", "O"]}',
    },
  ],
  IMAGE_CLS: [
    {
      name: 'Folder by class',
      use: 'The name of a folder is the label.',
      row: 'fruit/apple/1.jpg  fruit/apple/2.jpg  fruit/pear/1.jpg',
    },
    {
      name: 'With metadata.jsonl',
      use: 'It lies beside the images and names the label of each.',
      row: '{"file_name": "1.jpg", "label": "apple"}',
    },
    {
      name: 'In parts',
      use: 'What lies under validation/ is only measured.',
      row: 'fruit/train/apple/1.jpg  fruit/validation/apple/7.jpg',
    },
  ],
};

/** One line of each format that works, for those who have yet to make their file. */
export function FormatGuide({ task }: { task: Task }): ReactNode {
  return (
    <Panel
      title={task === 'IMAGE_CLS' ? 'How the folder looks' : 'What a row looks like'}
      hint={task === 'IMAGE_CLS' ? 'In any of these forms.' : 'One JSON object a line, in any of these forms.'}
    >
      <dl className={styles.list}>
        {examples[task].map(({ name, use, row }) => (
          <div key={name} className={styles.item}>
            <dt>
              {name}
              <span className={styles.use}>{use}</span>
            </dt>
            <dd>
              <code>{row}</code>
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
