import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(js.configs.recommended, ...tseslint.configs.recommended, {
  files: ["src/**/*.ts"],
  rules: {
    "@typescript-eslint/consistent-type-imports": "error",
    eqeqeq: ["error", "always"],
    "no-var": "error",
    "object-shorthand": "error",
    "prefer-const": "error",
  },
});
