/** The table of answers that are given again. */
export type KeptAnswerSchema = {
  kept_answer: {
    /** Who asked: the token or the session. */
    credential: string;
    key_sha256: Uint8Array;
    /** What was asked. */
    request_sha256: Uint8Array;
    /** Sealed; null: what was asked is done, or being done, and not answered yet. */
    answer: Uint8Array | null;
    created_ms: number;
  };
};
