import type { ReactNode } from 'react';
import type { DataOptions, ModelCard } from '../../../engine/api.ts';
import { setDataOption } from '../../commands/data.ts';
import { Panel } from '../../components/Panel.tsx';
import { Select } from '../../components/Select.tsx';
import { chosenTask, taskText } from '../../logic/tasks.ts';
import { useStudio } from '../../state/store.ts';
import styles from './TaskPanel.module.css';

const problems: readonly { readonly value: DataOptions['problemType']; readonly label: string }[] = [
  { value: 'auto', label: 'As the rows look' },
  { value: 'single_label_classification', label: 'One class a row' },
  { value: 'multi_label_classification', label: 'Several at once' },
  { value: 'regression', label: 'Numbers to estimate' },
];

/** What the model is to learn to do: which task it suits and why, and what else it could be. */
export function TaskPanel({ card }: { card: ModelCard }): ReactNode {
  const { taskType, problemType } = useStudio((state) => state.data.options);
  const [own] = card.tasks;
  const task = chosenTask(card, taskType);
  const choices = card.tasks.map((value) => ({ value, label: taskText(value).name }));
  const automatic = { value: 'auto' as const, label: `Automatic: ${own ? taskText(own).name.toLowerCase() : ''}` };
  return (
    <Panel title="The task">
      <div className={styles.parts}>
        <div>
          <label className={styles.label} htmlFor="task">
            What it learns to do
          </label>
          <Select
            id="task"
            value={taskType}
            options={[automatic, ...choices]}
            onChange={(value) => setDataOption('taskType', value)}
          />
        </div>
        {task === 'SEQ_CLS' && (
          <div>
            <label className={styles.label} htmlFor="problem">
              Kind of labels
            </label>
            <Select
              id="problem"
              value={problemType}
              options={problems}
              onChange={(value) => setDataOption('problemType', value)}
            />
          </div>
        )}
        <p className={styles.why}>
          {task === own
            ? card.suits
            : `The model gets a head for this. By itself it suits another task: ${own ? taskText(own).name.toLowerCase() : ''}.`}
        </p>
      </div>
    </Panel>
  );
}
