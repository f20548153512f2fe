import type { ReactNode } from 'react';
import { setField } from '../../commands/method.ts';
import { ErrorNotice } from '../../components/Notice.tsx';
import { Panel, ScreenFrame } from '../../components/Panel.tsx';
import { fieldNamedIn } from '../../logic/errors.ts';
import { formFields, methodOf } from '../../logic/settings.ts';
import { useStudio } from '../../state/store.ts';
import { FieldGrid } from './FieldGrid.tsx';
import { MethodCards } from './MethodCards.tsx';
import { RunFileButtons } from './RunFileButtons.tsx';

export function MethodScreen(): ReactNode {
  const method = useStudio((state) => state.method);
  const hasModel = useStudio((state) => state.model.card !== null);
  const chosen = methodOf(method);
  const training = formFields(method.trainingFields);
  const error = hasModel ? method.estimateError : null;
  const names = [...(chosen?.fields ?? []), ...training].map((field) => field.name);
  const faulty = error ? fieldNamedIn(error.message, names) : undefined;
  return (
    <ScreenFrame title="Choose how it learns" lead="The defaults are good. Change a setting only when you know why.">
      {method.importError && <ErrorNotice error={method.importError} />}
      {error && <ErrorNotice error={error} />}
      <MethodCards />
      {chosen && (
        <Panel title={`${chosen.name} settings`} hint="They shape the adapter, and are written into its file.">
          <FieldGrid fields={chosen.fields} settings={method} faulty={faulty} onChange={setField} />
        </Panel>
      )}
      <Panel title="Training" hint="How long, how fast and how often." aside={<RunFileButtons />}>
        <FieldGrid fields={training} settings={method} faulty={faulty} onChange={setField} />
      </Panel>
    </ScreenFrame>
  );
}
