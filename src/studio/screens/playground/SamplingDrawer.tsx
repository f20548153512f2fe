import type { ReactNode } from 'react';
import { setPlayground } from '../../commands/playground.ts';
import { NumberInput } from '../../components/NumberInput.tsx';
import { Switch } from '../../components/Switch.tsx';
import { formatNumber } from '../../logic/format.ts';
import { readsSource } from '../../logic/tasks.ts';
import { useStudio } from '../../state/store.ts';
import type { PlaygroundState } from '../../state/playground.ts';
import styles from './SamplingDrawer.module.css';

type NumericSetting = 'maxNewTokens' | 'temperature' | 'topP' | 'seed';

const settings: readonly {
  readonly name: NumericSetting;
  readonly label: string;
  readonly help: string;
  readonly kind: 'integer' | 'number';
  readonly minimum: number;
  readonly maximum?: number;
}[] = [
  {
    name: 'temperature',
    label: 'Temperature',
    help: '0 always takes the likeliest token.',
    kind: 'number',
    minimum: 0,
    maximum: 5,
  },
  { name: 'topP', label: 'Top p', help: 'Leaves out the unlikely rest.', kind: 'number', minimum: 0.01, maximum: 1 },
  {
    name: 'maxNewTokens',
    label: 'Max tokens',
    help: 'Where an answer ends at the latest.',
    kind: 'integer',
    minimum: 1,
    maximum: 4096,
  },
  { name: 'seed', label: 'Seed', help: 'The same seed gives the same answer.', kind: 'integer', minimum: 0 },
];

export function SamplingDrawer(): ReactNode {
  const playground = useStudio((state) => state.playground);
  const hasTemplate = useStudio((state) => state.model.card?.hasChatTemplate ?? false);
  const isRewriting = useStudio((state) => readsSource(state.model.card));
  return (
    <details className={styles.drawer}>
      <summary>
        Sampling <span className={styles.summary}>{summaryText(playground)}</span>
      </summary>
      <div className={styles.grid}>
        {settings.map((setting) => (
          <div key={setting.name}>
            <label className={styles.label} htmlFor={`sampling-${setting.name}`}>
              {setting.label}
            </label>
            <NumberInput
              id={`sampling-${setting.name}`}
              kind={setting.kind}
              minimum={setting.minimum}
              maximum={setting.maximum}
              value={playground[setting.name]}
              onChange={(value) => setPlayground({ [setting.name]: value })}
            />
            <p className={styles.help}>{setting.help}</p>
          </div>
        ))}
        {!isRewriting && (
          <div className={styles.wide}>
            <Switch
              label="Chat template"
              hint={
                hasTemplate
                  ? 'Off: the prompt goes to the model as it stands.'
                  : 'This model has none, so the prompt goes to it as it stands.'
              }
              checked={hasTemplate && !playground.raw}
              disabled={!hasTemplate}
              onChange={(on) => setPlayground({ raw: !on })}
            />
          </div>
        )}
      </div>
    </details>
  );
}

function summaryText({ temperature, maxNewTokens, seed }: PlaygroundState): string {
  return `temperature ${formatNumber(temperature)}, up to ${maxNewTokens} tokens, seed ${seed}`;
}
