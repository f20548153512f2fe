import SendHorizontal from 'lucide-react/icons/send-horizontal';
import Square from 'lucide-react/icons/square';
import type { ReactNode } from 'react';
import { askPlayground, isWriting, setPlayground, stopWriting } from '../../commands/playground.ts';
import { Button } from '../../components/Button.tsx';
import { readsSource } from '../../logic/tasks.ts';
import { useStudio } from '../../state/store.ts';
import { SamplingDrawer } from './SamplingDrawer.tsx';
import styles from './PromptBox.module.css';

export function PromptBox(): ReactNode {
  const playground = useStudio((state) => state.playground);
  const isRewriting = useStudio((state) => readsSource(state.model.card));
  const writing = isWriting(playground);
  return (
    <form
      className={styles.box}
      onSubmit={(event) => {
        event.preventDefault();
        void askPlayground();
      }}
    >
      <textarea
        className={styles.prompt}
        aria-label={isRewriting ? 'Source' : 'Prompt'}
        placeholder={
          isRewriting
            ? 'Text to turn into another, as the sources of the data are'
            : playground.raw
              ? 'Text to go on from'
              : 'Ask both of them something'
        }
        rows={3}
        value={playground.prompt}
        onChange={(event) => setPlayground({ prompt: event.target.value })}
      />
      <div className={styles.foot}>
        <SamplingDrawer />
        {writing ? (
          <Button icon={<Square />} onClick={() => void stopWriting()}>
            Stop
          </Button>
        ) : (
          <Button look="primary" type="submit" icon={<SendHorizontal />} disabled={playground.prompt.trim() === ''}>
            Send
          </Button>
        )}
      </div>
    </form>
  );
}
