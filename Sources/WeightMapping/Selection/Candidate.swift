import TensorCore

/// The weights of one model within a checkpoint: all tensors whose names begin with one prefix.
package struct Candidate: Sendable {
    /// A tensor by the name that its scheme knows, and by its full name.
    package struct Member: Sendable {
        package let name: String
        package let path: String
        package let view: TensorView
    }

    package let scheme: NamingScheme
    /// Where the weights stand, without the separator at the end: `state_dict.module`, or empty.
    package let path: String
    /// The tensors within, in the order of the file.
    package let members: [Member]
    /// Tensors beside the prefix that may be the head, by their names beside it.
    package let outside: [Member]
}
