/// Several machines: what they would bring.
@NullMarked
package io.moetier.cli.cluster;

import org.jspecify.annotations.NullMarked;
