/// Profiles of people and kinds of work: what runs chose and learnt, kept, shown, carried elsewhere and compared.
@NullMarked
package io.moetier.cli.profiles;

import org.jspecify.annotations.NullMarked;
