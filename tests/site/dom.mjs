// As much of a document as lit-html asks for when it is imported.
globalThis.document ??= { createTreeWalker() {}, createComment() {} };
