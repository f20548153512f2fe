import type { ReactNode } from 'react';
import { Segments } from '../../components/Segments.tsx';
import { formatCount } from '../../logic/format.ts';
import { moduleGroups, modulePresets, selectedModules } from '../../logic/targetModules.ts';
import type { ModuleGroup } from '../../logic/targetModules.ts';
import { useStudio } from '../../state/store.ts';
import styles from './ModulePicker.module.css';

interface Props {
  readonly label: string;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

const nothing: readonly string[] = [];

/** Which linears get an adapter: presets first, then the model's own layers by name. */
export function ModulePicker({ label, value, onChange }: Props): ReactNode {
  const modules = useStudio((state) => state.model.card?.targetModules);
  const defaults = useStudio((state) => state.model.card?.defaultTargets[state.method.peftType] ?? nothing);
  if (!modules)
    return <p className={styles.none}>Choose a model to see its layers. Until then, the family's default holds.</p>;
  const selected = new Set(value == null ? defaults : selectedModules(value, modules));
  const presets = modulePresets(modules);
  const current = presets.find((preset) =>
    preset.value === null
      ? value === null || value === undefined
      : sameNames(selectedModules(preset.value, modules), selected),
  );
  const toggle = (names: readonly string[], on: boolean): void => {
    const kept = modules
      .map((module) => module.name)
      .filter((name) => (names.includes(name) ? on : selected.has(name)));
    onChange(kept.length > 0 ? kept : null);
  };
  return (
    <div role="group" aria-label={label} className={styles.picker}>
      <Segments
        label={`${label}, presets`}
        value={current?.label ?? ''}
        options={presets.map((preset) => ({ value: preset.label, label: preset.label }))}
        onChange={(chosen) => onChange(presets.find((preset) => preset.label === chosen)?.value ?? null)}
      />
      <div className={styles.groups}>
        {moduleGroups(modules).map((group) => (
          <Group key={group.name} group={group} selected={selected} onToggle={toggle} />
        ))}
      </div>
    </div>
  );
}

interface GroupProps {
  readonly group: ModuleGroup;
  readonly selected: ReadonlySet<string>;
  readonly onToggle: (names: readonly string[], on: boolean) => void;
}

function Group({ group, selected, onToggle }: GroupProps): ReactNode {
  const names = group.modules.map((module) => module.name);
  const count = names.filter((name) => selected.has(name)).length;
  return (
    <fieldset className={styles.group}>
      <legend className="visually-hidden">{group.name}</legend>
      <label className={styles.groupName}>
        <input
          type="checkbox"
          checked={count === names.length}
          ref={(box) => {
            if (box) box.indeterminate = count > 0 && count < names.length;
          }}
          onChange={(event) => onToggle(names, event.target.checked)}
        />
        {group.name}
      </label>
      {group.modules.map((module) => (
        <label key={module.name} className={styles.module}>
          <input
            type="checkbox"
            checked={selected.has(module.name)}
            onChange={(event) => onToggle([module.name], event.target.checked)}
          />
          <code>{module.name}</code>
          <span className={styles.shape}>
            {module.count} × {formatCount(module.inFeatures)} → {formatCount(module.outFeatures)}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function sameNames(names: readonly string[], selected: ReadonlySet<string>): boolean {
  return names.length === selected.size && names.every((name) => selected.has(name));
}
