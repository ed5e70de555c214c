"""The second opinion: written, signed and frozen, made into a document, released to the patient."""
