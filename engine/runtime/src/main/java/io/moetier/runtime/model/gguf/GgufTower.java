package io.moetier.runtime.model.gguf;

import io.moetier.storage.format.JsonObject;

/// What the file of a tower for images (`mmproj`) holds beside the weights.
///
/// @param preprocessor what would stand in `preprocessor_config.json`
/// @param numSoundTensors tensors of an encoder of sound, which is no part of the model
public record GgufTower(JsonObject preprocessor, int numSoundTensors) {}
