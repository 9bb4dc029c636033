/// What mixtures of experts do with each token of a prompt.
@NullMarked
package io.moetier.cli.explain;

import org.jspecify.annotations.NullMarked;
