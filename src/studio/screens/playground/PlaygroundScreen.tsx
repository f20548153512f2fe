import MessagesSquare from 'lucide-react/icons/messages-square';
import type { ReactNode } from 'react';
import type { ModelCard } from '../../../engine/api.ts';
import { setPlayground } from '../../commands/playground.ts';
import { Button } from '../../components/Button.tsx';
import { Empty } from '../../components/Empty.tsx';
import { Notice } from '../../components/Notice.tsx';
import { ScreenFrame } from '../../components/Panel.tsx';
import { Segments } from '../../components/Segments.tsx';
import { hasBothModes, playgroundMode } from '../../logic/playgroundMode.ts';
import { readsSource } from '../../logic/tasks.ts';
import { isActive } from '../../logic/readiness.ts';
import { composeFields } from '../../logic/settings.ts';
import { weightsBeside, weightsLabel } from '../../logic/weightChoices.ts';
import { goTo } from '../../routing.ts';
import { emptyColumn } from '../../state/playground.ts';
import { useStudio } from '../../state/store.ts';
import { Answer } from './Answer.tsx';
import { AdapterSelect } from './AdapterSelect.tsx';
import { ClassifyBox } from './ClassifyBox.tsx';
import { PromptBox } from './PromptBox.tsx';
import styles from './PlaygroundScreen.module.css';

export function PlaygroundScreen(): ReactNode {
  const model = useStudio((state) => state.model.card);
  const { base, tuned, adapterId, asked, prompt, mode: chosen } = useStudio((state) => state.playground);
  const data = useStudio((state) => state.data.card);
  const mode = playgroundMode(chosen, model, data);
  const training = useStudio((state) => isActive(state.run.status));
  return (
    <ScreenFrame title="Playground" lead={mode === 'write' && readsSource(model) ? leads.rewrite : leads[mode]}>
      {model ? (
        <>
          {training && <Notice tone="info">A run is using the GPU. Answers can be written when it has ended.</Notice>}
          {hasBothModes(model) && (
            <div>
              <Segments
                label="What to ask for"
                value={mode}
                options={[
                  { value: 'write', label: 'Write' },
                  { value: 'classify', label: 'Classify' },
                ]}
                onChange={(value) => setPlayground({ mode: value, base: emptyColumn, tuned: emptyColumn })}
              />
            </div>
          )}
          {mode === 'write' ? <PromptBox /> : <ClassifyBox readsImages={model.image !== undefined} />}
          {asked !== '' && asked !== prompt && <p className={styles.asked}>{asked}</p>}
          <div className={styles.columns}>
            <Answer
              title="Base"
              subtitle={<BaseWeights model={model} />}
              column={base}
              emptyText={baseText(mode, model)}
            />
            <Answer
              title="Tuned"
              subtitle={<AdapterSelect />}
              column={tuned}
              emptyText={
                adapterId
                  ? 'The same model with the adapter.'
                  : 'There is no adapter yet. Train one, or import one in the Library.'
              }
            />
          </div>
        </>
      ) : (
        <NeedsModel />
      )}
    </ScreenFrame>
  );
}

/** The base answers on the weights that the adapter beside it was trained on. */
function BaseWeights({ model }: { model: ModelCard }): ReactNode {
  const { adapters } = useStudio((state) => state.library);
  const { adapterId } = useStudio((state) => state.playground);
  const method = useStudio((state) => state.method);
  const options = useStudio((state) => state.data.options);
  const adapter = adapters.find(({ id }) => id === adapterId);
  const weights = weightsBeside(adapter, composeFields(method, options));
  return `${model.name}, ${weightsLabel(model, weights)}`;
}

const leads = {
  write: 'The same question to both, with the same seed: what did the training change?',
  rewrite: 'The same text to both, with the same seed: what did the training change?',
  classify: 'The same input to both: what did the training change?',
} as const;

function baseText(mode: 'write' | 'classify', { labels }: ModelCard): string {
  if (mode === 'write' || labels.length > 0) return 'The model as it was before training.';
  return 'The model has no trained classifier of its own to compare with.';
}

function NeedsModel(): ReactNode {
  return (
    <Empty
      icon={<MessagesSquare />}
      title="No model is open"
      action={
        <Button look="primary" onClick={() => goTo('model')}>
          Choose a model
        </Button>
      }
    >
      Open a model to talk to it. After a training run, its adapter appears here beside it.
    </Empty>
  );
}
