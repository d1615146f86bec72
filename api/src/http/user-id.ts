/**
 * The one definition of a user id: 1 to 64 characters of printable ASCII, compared byte for byte. Spaces may stand
 * inside, not at an end: HTTP does not carry spaces and tabs around a header's value. nginx counts tries by the same
 * definition (`$limited_user` in nginx/templates/nginx.conf.template); stack/test/integration/user-id.test.ts holds the
 * two together.
 */
export const USER_ID = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/;

export const USER_ID_MAX = 64;

export const USER_ID_DESCRIPTION =
  'Printable ASCII, compared byte for byte; spaces inside, not at the start or the end';
