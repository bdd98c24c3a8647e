// In place of a package that only a build may load.
export {};
