package io.moetier.lab.foreign;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/// A trace of a foreign format.
interface ForeignTrace {
    /// Returns the model's name, if the file says it; known once [#read] is through.
    Optional<String> model();

    /// Returns the experts of a layer, if the file says it; known once [#read] is through.
    OptionalInt numExperts();

    /// Tells `tokens` of each token, in order; may be called again.
    ///
    /// @throws io.moetier.storage.model.MalformedModelException if the file is not of its format
    void read(Consumer<ForeignToken> tokens);
}
