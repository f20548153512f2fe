import type { ReactNode } from 'react';
import { Button } from './components/Button.tsx';
import { ErrorNotice } from './components/Notice.tsx';
import { TipProvider } from './components/Tip.tsx';
import { useKeyboard } from './keyboard.ts';
import { Announcer } from './layout/Announcer.tsx';
import { Help } from './layout/Help.tsx';
import { NoGpu } from './layout/NoGpu.tsx';
import { Rail } from './layout/Rail.tsx';
import { ResumeBanner } from './layout/ResumeBanner.tsx';
import { RunCard } from './layout/RunCard.tsx';
import { Toasts } from './layout/Toasts.tsx';
import { TopBar } from './layout/TopBar.tsx';
import { useFreshScreen, useLeaveGuard, useTabTitle } from './layout/usePage.ts';
import { useScreen } from './routing.ts';
import type { Screen } from './routing.ts';
import { DataScreen } from './screens/data/DataScreen.tsx';
import { LibraryScreen } from './screens/library/LibraryScreen.tsx';
import { MethodScreen } from './screens/method/MethodScreen.tsx';
import { ModelScreen } from './screens/model/ModelScreen.tsx';
import { PlaygroundScreen } from './screens/playground/PlaygroundScreen.tsx';
import { TrainScreen } from './screens/train/TrainScreen.tsx';
import { useStudio } from './state/store.ts';
import styles from './Studio.module.css';

const screenParts: Readonly<Record<Screen, () => ReactNode>> = {
  model: ModelScreen,
  data: DataScreen,
  method: MethodScreen,
  train: TrainScreen,
  playground: PlaygroundScreen,
  library: LibraryScreen,
};

export function Studio(): ReactNode {
  const screen = useScreen();
  const hasGpu = useStudio((state) => state.machine.gpu?.available !== false);
  useKeyboard();
  useLeaveGuard();
  useTabTitle();
  useFreshScreen(screen);
  return (
    <TipProvider>
      <a className={styles.skip} href="#main" onClick={skipToMain}>
        Skip to the screen
      </a>
      <TopBar />
      <div className={styles.frame}>
        <Rail />
        <main id="main" className={styles.main}>
          <LostEngine />
          <ResumeBanner />
          <CurrentScreen screen={screen} />
        </main>
        {hasGpu && <RunCard />}
      </div>
      <Toasts />
      <Help />
      <Announcer />
    </TipProvider>
  );
}

function CurrentScreen({ screen }: { screen: Screen }): ReactNode {
  const gpu = useStudio((state) => state.machine.gpu);
  const Part = screenParts[screen];
  return gpu?.available === false && screen !== 'library' ? <NoGpu gpu={gpu} /> : <Part />;
}

function LostEngine(): ReactNode {
  const lost = useStudio((state) => state.machine.lost);
  if (!lost) return null;
  return (
    <div className={styles.lost}>
      <ErrorNotice error={lost} actions={<Button onClick={() => location.reload()}>Reload the page</Button>} />
    </div>
  );
}

/** The hash belongs to the screens, so the link moves the focus by itself. */
function skipToMain(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('main h1')?.focus();
}
