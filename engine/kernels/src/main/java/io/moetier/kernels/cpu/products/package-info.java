/// Matrices times columns of activations, and the networks of experts, which are such products.
@NullMarked
package io.moetier.kernels.cpu.products;

import org.jspecify.annotations.NullMarked;
