/// What mixtures of experts do with each token of a prompt, in numbers that a person can read.
@NullMarked
package io.moetier.lab.explain;

import org.jspecify.annotations.NullMarked;
