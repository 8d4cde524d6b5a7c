//! Strongly connected components, without recursion: a scenario may be a chain of ten thousand services.

/// The components of the graph with `successors`, callees before callers (Tarjan 1972).
pub(super) fn components(successors: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut walk = Walk {
        successors,
        order: vec![0; successors.len()],
        low: vec![0; successors.len()],
        on_stack: vec![false; successors.len()],
        stack: Vec::new(),
        next: 1,
        components: Vec::new(),
    };
    for node in 0..successors.len() {
        if walk.order[node] == 0 {
            walk.from(node);
        }
    }
    walk.components
}

struct Walk<'g> {
    successors: &'g [Vec<usize>],
    /// When a node was first met, from 1.
    order: Vec<usize>,
    /// The earliest node on the stack that it reaches.
    low: Vec<usize>,
    on_stack: Vec<bool>,
    stack: Vec<usize>,
    next: usize,
    components: Vec<Vec<usize>>,
}

impl Walk<'_> {
    fn from(&mut self, root: usize) {
        let mut path = vec![(root, 0)];
        self.meet(root);
        while let Some((node, edge)) = path.last_mut() {
            let (node, at) = (*node, *edge);
            *edge += 1;
            match self.successors[node].get(at) {
                Some(&next) if self.order[next] == 0 => {
                    self.meet(next);
                    path.push((next, 0));
                }
                Some(&next) if self.on_stack[next] => self.low[node] = self.low[node].min(self.order[next]),
                Some(_) => {}
                None => {
                    path.pop();
                    if let Some((parent, _)) = path.last() {
                        self.low[*parent] = self.low[*parent].min(self.low[node]);
                    }
                    if self.low[node] == self.order[node] {
                        self.close(node);
                    }
                }
            }
        }
    }

    fn meet(&mut self, node: usize) {
        self.order[node] = self.next;
        self.low[node] = self.next;
        self.next += 1;
        self.on_stack[node] = true;
        self.stack.push(node);
    }

    fn close(&mut self, root: usize) {
        let mut component = Vec::new();
        while let Some(node) = self.stack.pop() {
            self.on_stack[node] = false;
            component.push(node);
            if node == root {
                break;
            }
        }
        component.sort_unstable();
        self.components.push(component);
    }
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn finds_cycles_and_puts_callees_first() {
        // 0 -> 1 -> 2 -> 1, 2 -> 3, 4 -> 4
        let graph = vec![vec![1], vec![2], vec![1, 3], vec![], vec![4]];
        assert_eq!(components(&graph), vec![vec![3], vec![1, 2], vec![0], vec![4]]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let chain: Vec<Vec<usize>> =
            (0..200_000).map(|node| if node < 199_999 { vec![node + 1] } else { vec![] }).collect();
        let found = components(&chain);
        assert_eq!((found.len(), &found[0]), (200_000, &vec![199_999]));
    }
}
