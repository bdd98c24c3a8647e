import { PartSkeleton } from "@/components/ui/skeletons";

export default function Loading() {
  return <PartSkeleton kind="form" />;
}
