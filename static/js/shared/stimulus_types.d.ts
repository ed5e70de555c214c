import type { Context, Controller } from "@hotwired/stimulus";

type ElementType = abstract new (...args: never[]) => Element;
type ValueType =
  | StringConstructor
  | NumberConstructor
  | BooleanConstructor
  | ObjectConstructor
  | { type: NumberConstructor; default: number };

/** Objects are the sentences or names that a template passes as JSON. */
type TypeOfValue<V> = V extends StringConstructor
  ? string
  : V extends BooleanConstructor
    ? boolean
    : V extends ObjectConstructor
      ? Record<string, string>
      : number;

type TargetProperties<T extends Record<string, ElementType>> = {
  readonly [K in keyof T & string as `${K}Target`]: InstanceType<T[K]>;
} & {
  readonly [K in keyof T & string as `${K}Targets`]: InstanceType<T[K]>[];
} & {
  readonly [K in keyof T & string as `has${Capitalize<K>}Target`]: boolean;
};

type ValueProperties<V extends Record<string, ValueType>> = {
  [K in keyof V & string as `${K}Value`]: TypeOfValue<V[K]>;
};

export type ControllerOf = <
  E extends ElementType = typeof HTMLElement,
  T extends Record<string, ElementType> = Record<never, never>,
  V extends Record<string, ValueType> = Record<never, never>,
>(definition?: {
  element?: E;
  targets?: T;
  values?: V;
}) => new (
  context: Context,
) => Controller<InstanceType<E>> & TargetProperties<T> & ValueProperties<V>;
