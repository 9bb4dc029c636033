/// Reads safetensors, GGUF and JSON within bounds; the sole importer of the JSON parser.
@NullMarked
package io.moetier.storage.format;

import org.jspecify.annotations.NullMarked;
