/// What a model thinks of a text, and how far two models are apart.
@NullMarked
package io.moetier.cli.perplexity;

import org.jspecify.annotations.NullMarked;
