import type { ReactNode } from 'react';
import { Panel } from '../../components/Panel.tsx';
import styles from './FormatGuide.module.css';

const examples: readonly { readonly name: string; readonly use: string; readonly row: string }[] = [
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
];

/** One line of each format that works, for those who have yet to make their file. */
export function FormatGuide(): ReactNode {
  return (
    <Panel title="What a row looks like" hint="One JSON object a line, in any of these forms.">
      <dl className={styles.list}>
        {examples.map(({ name, use, row }) => (
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
