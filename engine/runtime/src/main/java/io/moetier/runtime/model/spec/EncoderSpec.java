package io.moetier.runtime.model.spec;

import io.moetier.runtime.model.spec.weight.NormSpec;
/// The encoder of an encoder-decoder model (Vaswani et al. 2017): it reads the whole input at once, and the decoder
/// looks at what it gives.
///
/// @param numLayers how many of the model's layers it has, the first ones
/// @param finalNorm after its last layer
/// @param decoderStartToken what every output begins with

public record EncoderSpec(int numLayers, NormSpec finalNorm, int decoderStartToken) {}
