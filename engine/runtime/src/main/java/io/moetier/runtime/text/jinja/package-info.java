/// Chat templates: their expressions, tags and filters, evaluated as Python does and within a budget.
///
/// A rendering is confined to the thread that asks for it, and shares nothing with others.
@NullMarked
package io.moetier.runtime.text.jinja;

import org.jspecify.annotations.NullMarked;
