import MessagesSquare from 'lucide-react/icons/messages-square';
import type { ReactNode } from 'react';
import { Button } from '../../components/Button.tsx';
import { Empty } from '../../components/Empty.tsx';
import { Notice } from '../../components/Notice.tsx';
import { ScreenFrame } from '../../components/Panel.tsx';
import { isActive } from '../../logic/readiness.ts';
import { goTo } from '../../routing.ts';
import { useStudio } from '../../state/store.ts';
import { Answer } from './Answer.tsx';
import { AdapterSelect } from './AdapterSelect.tsx';
import { PromptBox } from './PromptBox.tsx';
import styles from './PlaygroundScreen.module.css';

export function PlaygroundScreen(): ReactNode {
  const model = useStudio((state) => state.model.card);
  const { base, tuned, adapterId, asked, prompt } = useStudio((state) => state.playground);
  const training = useStudio((state) => isActive(state.run.status));
  return (
    <ScreenFrame title="Playground" lead="The same question to both, with the same seed: what did the training change?">
      {model ? (
        <>
          {training && <Notice tone="info">A run is using the GPU. Answers can be written when it has ended.</Notice>}
          <PromptBox />
          {asked !== '' && asked !== prompt && <p className={styles.asked}>{asked}</p>}
          <div className={styles.columns}>
            <Answer title="Base" subtitle={model.name} column={base} emptyText="The model as it was before training." />
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
