/// Experts that other machines compute: what a layer asks of them, and what a machine holds for others.
@NullMarked
package io.moetier.runtime.remote;

import org.jspecify.annotations.NullMarked;
