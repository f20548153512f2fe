import { useEffect } from 'react';
import type { ReactNode } from 'react';
import { loadLosses, refreshLibrary } from '../../commands/library.ts';
import { refreshStorage } from '../../commands/storage.ts';
import { ErrorNotice } from '../../components/Notice.tsx';
import { ScreenFrame } from '../../components/Panel.tsx';
import { useStudio } from '../../state/store.ts';
import { StoredModels } from '../model/StoredModels.tsx';
import { AdapterTable } from './AdapterTable.tsx';
import { RunTable } from './RunTable.tsx';
import { StorageMeter } from './StorageMeter.tsx';

export function LibraryScreen(): ReactNode {
  const error = useStudio((state) => state.library.error);
  useEffect(() => {
    void refreshLibrary().then(loadLosses);
    void refreshStorage();
  }, []);
  return (
    <ScreenFrame title="Library" lead="Everything Graft keeps lives in this browser, on this device.">
      {error && <ErrorNotice error={error} />}
      <RunTable />
      <AdapterTable />
      <StoredModels title="Models" />
      <StorageMeter />
    </ScreenFrame>
  );
}
