import Download from 'lucide-react/icons/download';
import Upload from 'lucide-react/icons/upload';
import type { ReactNode } from 'react';
import { exportRunFile, importRunFile } from '../../commands/method.ts';
import { Button } from '../../components/Button.tsx';
import { FileButton } from '../../components/FileButton.tsx';

/** The whole form as one YAML file, which the command line takes too. */
export function RunFileButtons(): ReactNode {
  return (
    <>
      <FileButton
        label="Import run file"
        icon={<Upload />}
        size="small"
        accept=".yaml,.yml"
        multiple={false}
        onFiles={([file]) => {
          if (file) void importRunFile(file.path, file.blob);
        }}
      />
      <Button size="small" icon={<Download />} onClick={() => void exportRunFile()}>
        Export run file
      </Button>
    </>
  );
}
