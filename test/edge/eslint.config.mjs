// The second check of the runtime's subset (the first is a walk over the syntax
// tree in functions/throttle). es-x refuses by the year in which a feature came;
// what cloudfront-js-2.0 documents beyond ES 5.1 is let in again by name.
import esx from 'eslint-plugin-es-x';

const documented = [
  'es-x/no-block-scoped-variables', // const and let
  'es-x/no-arrow-functions',
  'es-x/no-template-literals',
  'es-x/no-rest-parameters',
  'es-x/no-async-functions',
  'es-x/no-modules', // import of cloudfront and crypto
  'es-x/no-string-prototype-startswith',
];

const refused = Object.assign({}, esx.configs['flat/restrict-to-es5'].rules);
for (const name of documented) {
  if (!refused[name]) {
    throw new Error(name + ' is not a rule that could be allowed');
  }
  refused[name] = 'off';
}

const globals = { console: 'readonly', Math: 'readonly', Date: 'readonly', Number: 'readonly', String: 'readonly', Object: 'readonly', parseInt: 'readonly', encodeURI: 'readonly', encodeURIComponent: 'readonly' };

export default [
  {
    files: ['**/*.js'],
    languageOptions: { ecmaVersion: 2022, sourceType: 'module', globals },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { 'es-x': esx },
    rules: Object.assign({}, refused, {
      'no-undef': 'error',
      'no-unused-vars': ['error', { varsIgnorePattern: '^handler$', caughtErrors: 'none' }],
      'prefer-const': 'error',
      'no-var': 'error',
      eqeqeq: 'error',
      'no-eval': 'error',
      'no-new-func': 'error',
      'no-constant-condition': 'error',
      'no-unreachable': 'error',
      'no-shadow': 'error',
    }),
  },
];
