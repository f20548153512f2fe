import Download from 'lucide-react/icons/download';
import FileUp from 'lucide-react/icons/file-up';
import FolderOpen from 'lucide-react/icons/folder-open';
import GitBranchPlus from 'lucide-react/icons/git-branch-plus';
import MessagesSquare from 'lucide-react/icons/messages-square';
import Trash2 from 'lucide-react/icons/trash-2';
import type { ReactNode } from 'react';
import type { AdapterSummary } from '../../../engine/api.ts';
import { deleteAdapter, downloadAdapter, importAdapter } from '../../commands/library.ts';
import { continueFrom } from '../../commands/method.ts';
import { tryInPlayground } from '../../commands/playground.ts';
import { IconButton } from '../../components/Button.tsx';
import { ConfirmButton } from '../../components/ConfirmButton.tsx';
import { FileButton } from '../../components/FileButton.tsx';
import { Panel } from '../../components/Panel.tsx';
import { formatBytes, formatDate, formatShort } from '../../logic/format.ts';
import { useStudio } from '../../state/store.ts';
import { BlendButton } from './BlendDialog.tsx';
import { ConvertButton } from './ConvertDialog.tsx';
import styles from './Table.module.css';

export function AdapterTable(): ReactNode {
  const adapters = useStudio((state) => state.library.adapters);
  const take = (files: Parameters<typeof importAdapter>[0]): void => void importAdapter(files);
  const importButtons = (
    <>
      <BlendButton />
      <FileButton size="small" label="Import adapter files" icon={<FileUp />} onFiles={take} />
      <FileButton size="small" label="Import an adapter folder" icon={<FolderOpen />} folder onFiles={take} />
    </>
  );
  return (
    <Panel title="Adapters" aside={importButtons} flush={adapters.length > 0}>
      {adapters.length === 0 ? (
        <p className={styles.none}>
          No adapter yet. A finished run leaves one here; PEFT adapters can be imported too.
        </p>
      ) : (
        <div className={styles.scroll}>
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col">Adapter</th>
                <th scope="col">Method</th>
                <th scope="col">Parameters</th>
                <th scope="col">Size</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {adapters.map((adapter) => (
                <AdapterRow key={adapter.id} adapter={adapter} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

function AdapterRow({ adapter }: { adapter: AdapterSummary }): ReactNode {
  return (
    <tr>
      <th scope="row" className={styles.name}>
        {adapter.name}
        <span className={styles.under}>
          for {adapter.baseModel}, {formatDate(adapter.createdAt)}
        </span>
      </th>
      <td>{adapter.peftType}</td>
      <td className={styles.number}>{formatShort(adapter.parameters)}</td>
      <td className={styles.number}>{formatBytes(adapter.bytes)}</td>
      <td>
        <div className={styles.actions}>
          <IconButton label={`Try ${adapter.name} in the Playground`} onClick={() => tryInPlayground(adapter.id)}>
            <MessagesSquare />
          </IconButton>
          <IconButton label={`Continue from ${adapter.name}`} onClick={() => void continueFrom(adapter)}>
            <GitBranchPlus />
          </IconButton>
          <ConvertButton adapter={adapter} />
          <IconButton label={`Download ${adapter.name}`} onClick={() => void downloadAdapter(adapter.id)}>
            <Download />
          </IconButton>
          <ConfirmButton
            iconOnly
            icon={<Trash2 />}
            label={`Delete ${adapter.name}`}
            title="Delete this adapter?"
            question={`${adapter.name} is deleted from this browser. Download it first if you want to keep it.`}
            confirmLabel="Delete"
            onConfirm={() => void deleteAdapter(adapter.id)}
          />
        </div>
      </td>
    </tr>
  );
}
