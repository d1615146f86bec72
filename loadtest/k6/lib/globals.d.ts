/** What k6's runtime has and @types/k6 leaves to the DOM library. */
declare const console: { log(message: string): void };
