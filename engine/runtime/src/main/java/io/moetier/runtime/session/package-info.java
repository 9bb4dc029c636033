/// The public face: Engine, Session, Sampler and their configuration.
@NullMarked
package io.moetier.runtime.session;

import org.jspecify.annotations.NullMarked;
