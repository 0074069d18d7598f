declare const brand: unique symbol;

/** A `T` that only its maker can produce: a plain `T` is not assignable to it. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
